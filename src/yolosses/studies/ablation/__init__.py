"""What hyper-parameters of a loss do to the detector that it trains."""
