"""
Saving, loading, and ONNX
=========================

Save a trained classifier in one file that cannot execute code, load it with the same
bits, and run it in another program as an ONNX model.
"""

# %%
# A trained classifier
# --------------------
# Its labels are words; both kinds of file keep them.

import json
import pickle
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
import safetensors
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

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
# ``save`` writes it, ``load`` reads it. The probabilities are equal to the last bit.

folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "digits.safetensors"
skmnist.save(clf, path)
loaded = skmnist.load(path)
same = np.array_equal(loaded.predict_proba(X_test), clf.predict_proba(X_test))
print(f"{path.stat().st_size:,} bytes, same probabilities: {same}")

# %%
# Any program that reads safetensors can read the weights and a JSON string.

with safetensors.safe_open(path, "np") as file:
    metadata = json.loads(file.metadata()["skmnist"])
    for name in list(file.keys())[-8:-2]:
        print(f"{name:22} {file.get_tensor(name).shape}")
print(metadata["classifier"]["parameters"]["optimizer"], metadata["sha256"][:8])
print(metadata["versions"])

# %%
# A file that is damaged, truncated, or not a model is refused. A pickle is not read at
# all: that could execute any code.

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
# A pipeline
# ----------
# A pipeline is saved with its other steps: without its scaler, the classifier would
# predict something else.

pipeline = make_pipeline(StandardScaler(), clone(clf)).fit(X, words[y])
skmnist.save(pipeline, path)
loaded = skmnist.load(path)
same = np.array_equal(loaded.predict_proba(X_test), pipeline.predict_proba(X_test))
print(f"{list(loaded.named_steps)}, same probabilities: {same}")
for model in (loaded, loaded[-1]):
    print(f"{type(model).__name__}: {model.score(X_test, words[y_test]):.3f}")

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
# The digit that the classifier is least certain about; both give the same answer.

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
# The differences of the probabilities of all digits: both compute with 32 bits, but add
# in a different order.

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
