"""Brain-Score's own tests. They download stimuli and recordings from its servers."""

import pytest

from brainscore_vision import load_model, score


@pytest.mark.memory_intense
@pytest.mark.parametrize("region", ["V1", "V2"])
def test_public_benchmark(region):
    result = score(
        model_identifier="lcl-v2",
        benchmark_identifier=f"FreemanZiemba2013public.{region}-pls",
        conda_active=True,
    )
    assert 0 <= float(result) <= 1


def test_regions():
    model = load_model("lcl-v2")
    assert model.layer_model.region_layer_map == {"V1": "V1", "V2": "V2"}
