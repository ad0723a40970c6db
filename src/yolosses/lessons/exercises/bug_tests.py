"""Of each faulty version one test that finds it. Their source is printed for learners."""

import torch

from yolosses.lessons import probing as q


def perfect_costs_nothing(loss):
    objects = q.probe(0)[1]
    return loss(q.perfect(objects), objects) < 1e-5


def two_errors_cost_twice(loss):
    def cost(objects):
        raw = q.perfect(objects)
        for cell, *_ in objects:
            raw.view(9, 13)[cell, 10] = 0.3  # class 0, which is wrong for these objects
        return loss(raw, objects)

    one, other = (0, 0.5, 0.5, 0.4, 0.4, 1), (8, 0.5, 0.5, 0.4, 0.4, 1)
    return abs(cost([one, other]) - 2 * cost([one])) < 1e-5


def one_class_error(loss):
    objects = [(4, 0.5, 0.5, 0.4, 0.4, 1)]
    raw = q.perfect(objects)
    raw[1, 1, 10] = 0.2  # class 0: should be 0
    return abs(loss(raw, objects) - 0.2**2) < 1e-5


def negative_width(loss):
    objects = [(4, 0.5, 0.5, 0.4, 0.4, 1)]
    raw = q.perfect(objects)
    raw[1, 1, 2] = -0.1
    raw.requires_grad_()
    value = loss(raw, objects)
    (gradient,) = torch.autograd.grad(value, raw)
    return torch.isfinite(value) and torch.isfinite(gradient).all()


def other_box_is_background(loss):
    objects = [(4, 0.5, 0.5, 0.4, 0.4, 1)]
    raw = q.perfect(objects)
    raw[1, 1, 9] = 0.6  # confidence of box 1, which is responsible for nothing
    return abs(loss(raw, objects) - 0.5 * 0.6**2) < 1e-5


def confidence_learns_the_iou(loss):
    objects = [(4, 0.5, 0.5, 0.4, 0.4, 1)]
    raw = q.perfect(objects)
    raw[1, 1, 2] = 0.2  # half as wide: IoU 0.5
    raw[1, 1, 4] = 0.5  # and the box says so
    return abs(loss(raw, objects) - 5 * (0.2**0.5 - 0.4**0.5) ** 2) < 1e-5


def highest_iou_is_responsible(loss):
    objects = [(4, 0.5, 0.5, 0.4, 0.4, 1)]
    raw = q.perfect(objects)
    raw[1, 1, 4] = 0.3  # box 0 is the object, but not confident
    raw[1, 1, 5:10] = torch.tensor([0.5, 0.5, 0.2, 0.4, 0.8])  # box 1 is half as wide, and confident
    return abs(loss(raw, objects) - ((0.3 - 1) ** 2 + 0.5 * 0.8**2)) < 1e-5


def only_the_first_term_pulls_at_x(loss):
    objects = [(4, 0.5, 0.5, 0.4, 0.4, 1)]
    raw = q.perfect(objects)
    raw[1, 1, 0] = 0.6
    raw.requires_grad_()
    (gradient,) = torch.autograd.grad(loss(raw, objects), raw)
    return abs(gradient[1, 1, 0] - 5 * 2 * (0.6 - 0.5)) < 1e-4
