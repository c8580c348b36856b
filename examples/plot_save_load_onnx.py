"""
Saving, loading, and ONNX
=========================

A trained classifier goes into one file that can execute nothing, comes back with the
same bits, and runs in another program as an ONNX model.
"""

# %%
# A trained classifier
# --------------------
# Its labels are words, which both files keep.

import json
import pickle
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
import safetensors

import skmnist
from skmnist.datasets import load_mnist_sample

X, y = load_mnist_sample(subset="train", return_X_y=True)
X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
words = np.array(
    [
        *("zero", "one", "two", "three", "four"),
        *("five", "six", "seven", "eight", "nine"),
    ]
)
clf = skmnist.MnistCNNClassifier(max_epochs=3, random_state=0).fit(X, words[y])
print(f"accuracy {clf.score(X_test, words[y_test]):.3f}")

# %%
# One safe file
# -------------
# ``save`` writes it, ``load`` reads it. The probabilities are the same to the last bit.

folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "digits.safetensors"
skmnist.save(clf, path)
loaded = skmnist.load(path)
same = np.array_equal(loaded.predict_proba(X_test), clf.predict_proba(X_test))
print(f"{path.stat().st_size:,} bytes, same probabilities: {same}")

# %%
# Any program that reads safetensors can look inside: the weights, and a JSON string.

with safetensors.safe_open(path, "np") as file:
    facts = json.loads(file.metadata()["skmnist"])
    for name in list(file.keys())[-6:]:
        print(f"{name:22} {file.get_tensor(name).shape}")
print(facts["parameters"]["optimizer"], facts["versions"]["torch"], facts["sha256"][:8])

# %%
# What is not whole, or no model at all, is refused. A pickle is not even looked at:
# reading one may execute anything.

damaged = bytearray(path.read_bytes())
damaged[100_000] ^= 1
for content in (damaged, path.read_bytes()[:50_000], pickle.dumps(clf)):
    other = Path(folder.name) / "other.safetensors"
    other.write_bytes(content)
    try:
        skmnist.load(other)
    except ValueError as error:
        print(str(error).replace(folder.name + "/", ""), end="\n\n")

# %%
# ONNX
# ----
# The ONNX model takes the raw pixels, as the classifier does, and gives the labels
# themselves.

onnx_path = Path(folder.name) / "digits.onnx"
skmnist.to_onnx(clf, onnx_path)
session = onnxruntime.InferenceSession(onnx_path)
for node in (*session.get_inputs(), *session.get_outputs()):
    print(f"{node.name:13} {node.type:14} {node.shape}")
label, probabilities = session.run(None, {"pixels": X_test})
expected = clf.predict_proba(X_test)
print(f"same labels: {np.array_equal(label, clf.predict(X_test))}")
print(f"largest difference of probabilities: {abs(probabilities - expected).max():.1e}")

# %%
# The digit that the classifier is least sure of: both see it in the same way.

hard = expected.max(axis=1).argmin()
figure, (left, right) = plt.subplots(
    ncols=2, width_ratios=(1, 2), figsize=(7, 3), layout="constrained"
)
left.imshow(X_test[hard].reshape(28, 28), cmap="gray_r")
left.set(title=f"a {words[y_test[hard]]}", xticks=[], yticks=[])
places = np.arange(10)
right.barh(places - 0.2, expected[hard], 0.4, label="skmnist")
right.barh(places + 0.2, probabilities[hard], 0.4, label="ONNX Runtime")
right.set(xlabel="Probability", yticks=places, yticklabels=clf.classes_)
right.invert_yaxis()
right.legend()

# %%
# How much the probabilities of all digits differ: both compute with 32 bits, but add
# up in another order.

differences = abs(probabilities - expected).max(axis=1)
figure, ax = plt.subplots(figsize=(7, 2.8), layout="constrained")
ax.hist(np.maximum(differences, 1e-9), bins=np.logspace(-9, -5, 41))
ax.set(
    xscale="log",
    xlabel="Largest difference of a digit's probabilities (0 is shown as $10^{-9}$)",
    ylabel="Digits",
)

plt.show()
folder.cleanup()
