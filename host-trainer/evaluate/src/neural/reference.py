"""Writes pls.txt: the predictions of scikit-learn that the tests of pls.rs expect.
Run with scikit-learn installed."""

import numpy as np
import sklearn
from sklearn.cross_decomposition import PLSRegression

IMAGES, FEATURES, NEURONS = 60, 300, 6
i, j = np.arange(IMAGES)[:, None], np.arange(FEATURES)[None]
x = ((i * i * 37 + j * j * 11 + i * j * 29 + i * 7) % 211).astype(float)
n = np.arange(NEURONS)[None]
signal = sum(x[:, (n[0] * 13 + k * 41) % FEATURES] for k in range(5))
y = signal / 100 + ((i * i * 53 + n * n * 17 + i * n * 71) % 97) / 50
test = np.arange(IMAGES) % 9 == 4
with open("pls.txt", "w") as out:
    out.write(f"# scikit-learn {sklearn.__version__}, numpy {np.__version__}: components row predictions\n")
    for components in [1, 5, 25]:
        model = PLSRegression(components, scale=False).fit(x[~test], y[~test])
        for row, predicted in enumerate(model.predict(x[test])):
            out.write(f"{components} {row} {' '.join(f'{value:.15g}' for value in predicted)}\n")
