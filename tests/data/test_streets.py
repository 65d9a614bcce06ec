"""Streets: a function of (seed, index), seen right, labelled in the palette, made alike by one process or many."""

import dataclasses

import numpy as np
import pytest

from arzhang.data import streets
from arzhang.data.streets import plan, scenery, vehicles
from arzhang.data.streets.rendering import render
from arzhang.data.streets.view import Camera, Surfaces
from arzhang.errors import ArzhangError

NAMES = [name for name, _ in streets.PALETTE]
CLASS = scenery.CLASS


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    path = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("ARZHANG_CACHE", str(path))
    return path


@pytest.fixture(scope="module")
def scenes():
    return [streets.scene(1, index, 40, 56) for index in range(24)]


def test_a_scene_is_a_function_of_seed_and_index():
    first, again = (streets.scene(0, 5, 32, 64) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    for other in (streets.scene(0, 6, 32, 64), streets.scene(1, 5, 32, 64)):
        assert not np.array_equal(first[1], other[1])


@pytest.mark.parametrize("index", range(2))
def test_a_scene_is_the_same_at_every_size(index):
    small, large = (streets.scene(0, index, side, side) for side in (64, 192))
    middle = large[1][1::3, 1::3]
    assert (small[1] == middle).mean() > 0.93
    reduced = large[0].reshape(64, 3, 64, 3, 3).mean((1, 3))
    assert np.abs(reduced - small[0]).mean() < 10
    other = streets.scene(0, index + 50, 192, 192)[1][1::3, 1::3]
    assert (small[1] == other).mean() < 0.93


@pytest.mark.parametrize("size", [(64, 64), (128, 128), (256, 512), (40, 24)])
def test_sizes(size):
    photo, classes = streets.scene(0, 0, *size)
    assert photo.shape == (*size, 3)
    assert classes.shape == size
    assert classes.max() < 19
    both = streets.pair(0, 0, *size)
    assert both.shape == (6, *size)
    assert np.array_equal(both[:3].transpose(1, 2, 0), photo)
    assert np.array_equal(both[3:].transpose(1, 2, 0), np.array([c for _, c in streets.PALETTE])[classes])


def test_every_street_has_road_sky_and_something_along_it(scenes):
    seen = set()
    for _, classes in scenes:
        share = np.bincount(classes.ravel(), minlength=19) / classes.size
        assert share[CLASS["road"]] > 0.1
        assert share[CLASS["building"]] + share[CLASS["vegetation"]] > 0.03
        assert (classes[-1] == CLASS["road"]).mean() > 0.3
        assert not (classes[-6:] == CLASS["sky"]).any()
        seen |= set(np.unique(classes).tolist())
    missing = {NAMES[i] for i in set(range(19)) - seen}
    assert missing <= {"train", "motorcycle", "bus", "truck", "wall", "bicycle"}


def test_photos_follow_their_labels_but_are_not_given_by_them(scenes):
    """Within a photo, its classes' mean colours explain much of it; texture and light are the rest, and vary."""
    explained, brightness = [], []
    for photo, classes in scenes:
        values, flat = photo.reshape(-1, 3).astype(float), classes.ravel()
        means = np.stack([np.bincount(flat, values[:, c], 19) for c in range(3)], 1) / np.maximum(
            np.bincount(flat, minlength=19)[:, None], 1
        )
        explained.append(1 - ((values - means[flat]) ** 2).sum() / ((values - values.mean(0)) ** 2).sum())
        brightness.append(values.mean())
        for label in np.unique(flat):
            own = values[flat == label]
            assert len(own) < 60 or own.std(0).min() > 1  # no class is one flat colour
    assert 0.4 < np.mean(explained) < 0.98
    assert np.std(brightness) > 5


def looking(things: Surfaces) -> np.ndarray:
    """The labels of an empty street with some things, seen straight on from a height of 1.5 m, 100×100 pixels."""
    view = plan.view(np.random.default_rng(0), 1.0)
    camera = Camera(x=0.0, y=1.5, yaw=0.0, pitch=0.0, focal=1.0, horizon=0.5)
    ground = dataclasses.replace(view.ground, bend=0.0, crossing=None, road=3.0, verge=1.0, built=9.0, parks=((), ()))
    return render(dataclasses.replace(view, camera=camera, surfaces=things, ground=ground), 100, 100, 3)[1]


def test_perspective():
    """A rectangle 10 m ahead, 2 m wide, from 1.5 m to 3.5 m: pixels 40 to 60 across, 30 to 50 down."""
    things = Surfaces()
    things.add(scenery.upright(0, 10, 1.5, 3.5, -1, 1), CLASS["bus"], (0.5, 0.5, 0.5))
    classes = looking(things)
    assert (classes[30:50, 40:60] == CLASS["bus"]).all()
    assert (classes == CLASS["bus"]).sum() in range(400, 464)  # PIL counts the border's pixels in
    assert (classes[:29] == CLASS["sky"]).all()
    # The ground at y = 0 is seen 1.5 / z below the horizon: at row 65.5 it is 9.7 m away, the road ±31 pixels wide.
    row = classes[65]
    assert (row[20:80] == CLASS["road"]).all()
    assert (row[:18] != CLASS["road"]).all()
    assert row[12] == row[87] == CLASS["terrain"]  # the verge, from 3 m to 4 m
    assert row[5] == row[94] == CLASS["sidewalk"]


def test_what_is_nearer_hides_what_is_behind():
    rng = np.random.default_rng(0)
    things = Surfaces()
    vehicles.vehicle(things, rng, "saloon", 0.0, 20.0, 0.0)
    scenery.person(things, rng, 0.0, 8.0)
    classes = looking(things)
    assert (classes == CLASS["car"]).any()
    column = classes[:, 50]
    assert (column[52:56] == CLASS["person"]).all()
    assert CLASS["car"] not in column


@pytest.mark.parametrize("index", range(3))
def test_things_are_painted_from_far_to_near(index):
    """Between the houses, no surface starts behind one that was painted later by more than a thing is deep."""
    rng = np.random.default_rng(index)
    ground = plan._plan(rng)
    out = Surfaces()
    plan._furnished(out, rng, ground)
    nearest = np.array([min(point[2] for point in points) for points in out.points])
    assert len(nearest) > 20
    assert (np.minimum.accumulate(nearest) - nearest > -14).all()


@pytest.mark.parametrize("kind", vehicles.VEHICLES)
@pytest.mark.parametrize("heading", [0.0, 0.5, np.pi])
def test_vehicles_have_no_holes(kind, heading):
    """Seen from any side, what is within the outline is the vehicle: each row is one run of its class."""
    things = Surfaces()
    vehicles.vehicle(things, np.random.default_rng(0), kind, 0.5, 16.0, heading)
    label = CLASS[vehicles.VEHICLES[kind][0]]
    classes = looking(things) == label
    assert classes.sum() > 60
    rows = classes[classes.any(1)]
    rows = rows[: len(rows) * 2 // 3]  # below, the road is seen between the wheels
    assert (np.abs(np.diff(rows.astype(int), axis=1)).sum(1) <= 2).all()


def test_parts_share_no_scene_and_grow_without_change():
    said = []
    train, more, test = (
        streets.made(part, count, 16, 16, said.append) for part, count in (("train", 2), ("train", 3), ("test", 2))
    )
    assert said == []
    assert train.sides[0].shape == train.sides[1].shape == (2, 3, 16, 16)
    assert np.array_equal(train.sides[0], more.sides[0][:2])
    assert np.array_equal(train.sides[1], more.sides[1][:2])
    assert train.hashes == more.hashes[:2]
    assert len(set(train.hashes) | set(test.hashes)) == 4
    assert train.names == [f"train-{i:05d}" for i in range(2)]


def test_many_processes_make_what_one_makes(monkeypatch, tmp_path):
    alone = streets.made("validation", 5, 16, 16)
    monkeypatch.setenv("ARZHANG_CACHE", str(tmp_path))
    monkeypatch.setattr(streets, "ALONE", 0.1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    said = []
    shared = streets.made("validation", 5, 16, 16, said.append)
    assert len(said) == 1
    assert shared.hashes == alone.hashes
    assert all(np.array_equal(a, b) for a, b in zip(shared.sides, alone.sides, strict=True))


def test_a_process_that_fails_says_why(tmp_path):
    with pytest.raises(ArzhangError, match=r"streets could not be made: .*No such file"):
        streets._share([tmp_path / "nowhere", 0, 4, 16, 16], 1)
