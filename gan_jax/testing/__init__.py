"""The laws by which this repository tests itself, for losses, terms, models and games of others.

Each function below gives a list of :class:`Law`: a name and a check. One line makes them tests::

    @pytest.mark.parametrize("law", loss_laws(my_loss(), optimum=0.0), ids=str)
    def test_my_loss(law):
        law()

A law that falls says its name, the example that it fell by, and where to look. What holds for every
loss, penalty or game is always checked; what holds for some is a claim, given as an argument. The
examples come from Hypothesis (``pip install gan-jax[test]``), as many as its profile says.
"""

from gan_jax.testing.games import game_laws
from gan_jax.testing.law import Law
from gan_jax.testing.losses import loss_laws
from gan_jax.testing.models import model_laws
from gan_jax.testing.penalties import penalty_laws
from gan_jax.testing.terms import term_laws

__all__ = ["Law", "game_laws", "loss_laws", "model_laws", "penalty_laws", "term_laws"]
