"""The statistics of labelling as a library. Its subpackages are its public parts.

`agreement`: coefficients with intervals. `truth`: the most probable labels and the annotators' reliability. `conduct`:
detectors of annotators who guess, drift or copy. `rules`: contracts as checks. `consistency`: a text model that scores
labels.
"""

__all__ = ["agreement", "conduct", "consistency", "rules", "truth"]
