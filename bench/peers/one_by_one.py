"""The validator's core for frameworks that hand over one event at a time, its state in memory."""

from collections import defaultdict
from collections.abc import Sequence

from assay_schemas.topics import ANNOTATIONS
from assay_services.demo.simulator import PROJECT
from assay_services.engine.core.core_api import Output
from assay_services.engine.core.state import PartitionState
from assay_services.engine.settings import RuntimeSettings
from assay_services.validator.core.step import BatchOrigin, ValidatorCore
from bench.ground import Event, the_project


class OneByOne:
    """Judge single events; each partition has a core and a state of its own."""

    def __init__(self, settings: RuntimeSettings) -> None:
        """Compile the contract and load the model."""
        self._projects = {PROJECT: the_project(settings.models)}
        self._topic = settings.prefix + ANNOTATIONS.name
        self._cores: dict[int, ValidatorCore] = {}
        self._states: defaultdict[int, PartitionState] = defaultdict(PartitionState)

    def judge(self, partition: int, event: Event) -> Sequence[Output]:
        """Return what is to be published for one event, and take over its state."""
        core = self._cores.get(partition)
        if core is None:
            core = self._cores[partition] = ValidatorCore(self._projects, BatchOrigin(self._topic, partition))
        state = self._states[partition]
        step = core.step(state, [event])
        state.apply(step.changes)
        return step.outputs
