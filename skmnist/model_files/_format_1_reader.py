"""Convert files of format 1, of the first versions of skmnist, to format 2."""

import numpy as np
import torch

from skmnist._json_encoding import encode_history


def convert_format_1(metadata, tensors):
    """Convert the content of a file of format 1.

    Parameters
    ----------
    metadata : dict
    tensors : dict of str to tensor

    Returns
    -------
    metadata : dict
    tensors : dict of str to tensor
        As a file of format 2 holds them.

    Raises
    ------
    Exception
        If the file cannot be of format 1.
    """
    tensors = dict(tensors)
    tensors["history"] = encode_history(_read_history(metadata["history"], tensors))
    shape, dtype = metadata["layout"]
    attributes = {
        "image_shape": {"tuple": metadata["image_shape"]},
        "layout": {"tuple": [{"tuple": shape}, dtype]},
        "weights_so_far": {"tuple": metadata["weights_so_far"]},
    }
    for name in ("n_earlier_epochs", "n_features", "precision", "seed"):
        attributes[name] = metadata[name]
    for name in ("pixel_mean", "pixel_std"):
        tensors[name] = torch.tensor(metadata[name], dtype=torch.float64)
        attributes[name] = {"array": name}
    if metadata["feature_names"]:
        attributes["feature_names"] = {
            "array_of": ["object", metadata["feature_names"]]
        }
    kind, labels = metadata["classes"]
    if kind in ("str", "object"):
        attributes["classes"] = {"array_of": [kind, labels]}
    else:
        if np.dtype(kind).itemsize > 8:
            raise ValueError(f"Got labels of type {kind!r:.20}.")
        tensors["classes"] = torch.from_numpy(np.array(labels, dtype=kind))
        attributes["classes"] = {"array": "classes"}
    parts = {name: metadata[name] for name in ("parameters", "network")}
    return {"format": 2, "classifier": {**parts, "attributes": attributes}}, tensors


def _read_history(kinds, tensors):
    """Read a history from columns, which are removed from the tensors.

    Each epoch has a kind, [names, groups]: the names of its figures, and for each group
    of consecutive batches the names of theirs. `history.kinds` has the kind of each
    epoch, `history.counts` the number of batches in each group, and the other columns
    have the figures of one name, of all epochs or all batches.
    """
    columns = {}
    for column in [name for name in tensors if name.startswith("history.")]:
        values = tensors.pop(column)
        types = [torch.int64, torch.float64]
        if column.startswith("history.epochs."):
            types.append(torch.bool)  # of batches, each byte would need a dict
        if values.ndim != 1 or values.dtype not in types:
            raise ValueError(f"Got a column {column} of type {values.dtype}.")
        columns[column] = iter(values.tolist())
    chosen = columns.pop("history.kinds", iter(()))
    counts = columns.pop("history.counts", iter(()))
    if not all(all(groups) for _, groups in kinds):
        raise ValueError("Got batches without figures.")
    epochs = []
    for kind in chosen:
        if kind < 0:
            raise ValueError(f"Got an epoch of the kind {kind}.")
        names, groups = kinds[kind]
        epoch = {name: next(columns[f"history.epochs.{name}"]) for name in names}
        epoch["batches"] = [
            {name: next(columns[f"history.batches.{name}"]) for name in group}
            for group in groups
            for _ in range(next(counts))
        ]
        epochs.append(epoch)
    end = object()
    if any(next(column, end) is not end for column in (counts, *columns.values())):
        raise ValueError("Got figures that belong to no epoch.")
    return epochs
