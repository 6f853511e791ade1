"""Networks that look at samples: trained on the experiment's own data, or published."""
