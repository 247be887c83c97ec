"""How each framework turns a cost into a call that gives cost and gradients."""
