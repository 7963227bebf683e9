"""Every method a second time, slowly: float64, one image, plain loops over channels and cells."""

import copy
import math

import torch
import torch.nn.functional as F

from spondyl.learn.heads import on_grid


class Definition:
    """One image under a network in float64, with the gradient of one logit by autograd."""

    def __init__(self, network, image, label):
        self.network = copy.deepcopy(network).double().eval()
        self.image = image.double()
        self.label = label
        lower, self.upper = self.network.explained_parts()
        self.features = lower(self.image[None]).detach().requires_grad_(True)
        self.logits = self.upper(self.features)[0]
        self.logits[label].backward()
        self.a = on_grid(self.features.detach())[0]
        self.g = on_grid(self.features.grad)[0]
        self.k, self.h, self.w = self.a.shape
        self.a_rows, self.g_rows = self.a.tolist(), self.g.tolist()

    def cells(self):
        return [(i, j) for i in range(self.h) for j in range(self.w)]

    def weighted_sum(self, weights):
        total = torch.zeros(self.h, self.w, dtype=torch.float64)
        for k in range(self.k):
            total += weights[k] * self.a[k]
        return total

    def cam(self):
        row = self.upper.linear.weight[self.label].detach()
        return self.weighted_sum(row)

    def grad_cam(self):
        return self.weighted_sum([self.g[k].sum() / (self.h * self.w) for k in range(self.k)])

    def hirescam(self):
        total = torch.zeros(self.h, self.w, dtype=torch.float64)
        for i, j in self.cells():
            total[i, j] = sum(self.g_rows[k][i][j] * self.a_rows[k][i][j] for k in range(self.k))
        return total

    def grad_cam_plus_plus(self):
        weights = []
        for k in range(self.k):
            mass, weight = float(self.a[k].sum()), 0.0
            for i, j in self.cells():
                g = self.g_rows[k][i][j]
                if g > 0:
                    weight += g**2 / (2 * g**2 + mass * g**3) * g
            weights.append(weight)
        return self.weighted_sum(weights)

    def xgrad_cam(self):
        weights = []
        for k in range(self.k):
            mass = self.a[k].sum()
            weights.append(0.0 if mass == 0 else (self.g[k] * self.a[k]).sum() / mass)
        return self.weighted_sum(weights)

    def layercam(self):
        total = torch.zeros(self.h, self.w, dtype=torch.float64)
        for i, j in self.cells():
            total[i, j] = sum(
                max(self.g_rows[k][i][j], 0) * self.a_rows[k][i][j] for k in range(self.k)
            )
        return total

    @torch.no_grad()
    def score_cam(self):
        scores = []
        for k in range(self.k):
            channel = self.a[k]
            span = channel.max() - channel.min()
            mask = (channel - channel.min()) / span if span > 0 else torch.zeros_like(channel)
            mask = F.interpolate(mask[None, None], self.image.shape[1:], mode="bilinear")[0]
            scores.append(float(self.network((self.image * mask)[None])[0, self.label]))
        raised = [math.exp(score - max(scores)) for score in scores]
        return self.weighted_sum([one / sum(raised) for one in raised])

    def recipro_cam(self):
        return self._recipro({(0, 0): 1.0})

    def recipro_cam_gaussian(self):
        return self._recipro(
            {(i, j): (2 - abs(i)) * (2 - abs(j)) / 16 for i in (-1, 0, 1) for j in (-1, 0, 1)}
        )

    @torch.no_grad()
    def _recipro(self, kernel):
        result = torch.zeros(self.h, self.w, dtype=torch.float64)
        prefix = 0 if self.features.ndim == 4 else self.features.shape[1] - self.h * self.w
        for i, j in self.cells():
            left = torch.zeros_like(self.features)
            if prefix:
                left[:, :prefix] = self.features[:, :prefix]
            for (di, dj), share in kernel.items():
                y, x = i + di, j + dj
                if 0 <= y < self.h and 0 <= x < self.w:
                    if prefix:
                        token = prefix + y * self.w + x
                        left[:, token] = share * self.features[:, token]
                    else:
                        left[:, :, y, x] = share * self.features[:, :, y, x]
            result[i, j] = self.upper(left)[0].softmax(dim=0)[self.label]
        return result

    @torch.no_grad()
    def occlusion(self, window=32, stride=16):
        """For films whose sides are multiples of the stride."""
        height, width = self.image.shape[1:]
        whole = self.network(self.image[None])[0].softmax(dim=0)[self.label]
        filling = self.image.mean(dim=(1, 2))[:, None, None]
        drops = {}
        for top in range(stride - window, height, stride):
            for left in range(stride - window, width, stride):
                hidden = self.image.clone()
                rows = slice(max(top, 0), top + window)
                hidden[:, rows, max(left, 0) : left + window] = filling
                left_over = self.network(hidden[None])[0].softmax(dim=0)[self.label]
                drops[top, left] = whole - left_over
        result = torch.zeros(height // stride, width // stride, dtype=torch.float64)
        for i in range(result.shape[0]):
            for j in range(result.shape[1]):
                over = [
                    drop
                    for (top, left), drop in drops.items()
                    if top <= i * stride < top + window and left <= j * stride < left + window
                ]
                result[i, j] = sum(over) / len(over)
        return result


BY_NAME = {
    "cam": Definition.cam,
    "grad-cam": Definition.grad_cam,
    "hirescam": Definition.hirescam,
    "grad-cam++": Definition.grad_cam_plus_plus,
    "xgrad-cam": Definition.xgrad_cam,
    "layercam": Definition.layercam,
    "score-cam": Definition.score_cam,
    "recipro-cam": Definition.recipro_cam,
    "recipro-cam-gaussian": Definition.recipro_cam_gaussian,
    "occlusion": Definition.occlusion,
}
