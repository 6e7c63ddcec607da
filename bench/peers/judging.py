"""The validator's core for frameworks that hand over one event at a time, its state in memory."""

from collections import defaultdict
from collections.abc import Sequence

from bench.ground import Event, the_project
from services.cli.demo.simulator import PROJECT
from services.runtime.settings import RuntimeSettings
from services.runtime.state import PartitionState
from services.runtime.step import Output
from services.runtime.topics import ANNOTATIONS
from services.validator.core import Origin, Validator


class OneByOne:
    """Judge single events; each partition has a core and a state of its own."""

    def __init__(self, settings: RuntimeSettings) -> None:
        """Compile the contract and load the model."""
        self._projects = {PROJECT: the_project(settings.models)}
        self._topic = settings.prefix + ANNOTATIONS.name
        self._cores: dict[int, Validator] = {}
        self._states: defaultdict[int, PartitionState] = defaultdict(PartitionState)

    def judge(self, partition: int, event: Event) -> Sequence[Output]:
        """Return what is to be published for one event, and take over its state."""
        core = self._cores.get(partition)
        if core is None:
            core = self._cores[partition] = Validator(self._projects, Origin(self._topic, partition))
        state = self._states[partition]
        step = core.step(state, [event])
        state.apply(step.changes)
        return step.outputs
