"""Vertebrae as numbers for tests: a column of rectangles, straight or bent."""

import numpy as np


def column(n=17, top=30.0, height=20.0, disc=5.0, width=30.0, bend=0.0, centre=120.0):
    """(n, 4, 2) corners of bodies from the top; `bend` is the amplitude of a sine, pixels."""
    bodies = []
    for i in range(n):
        row = top + i * (height + disc)
        phase = np.pi * i / max(n - 1, 1)
        middle = centre + bend * np.sin(phase)
        slope = bend * np.cos(phase) * np.pi / max(n - 1, 1) / (height + disc)
        tilt = -slope  # end plates stand across the column
        dr = tilt * width / 2
        bodies.append(
            [
                (row - dr, middle - width / 2),
                (row + dr, middle + width / 2),
                (row + height - dr, middle - width / 2),
                (row + height + dr, middle + width / 2),
            ]
        )
    return np.array(bodies)
