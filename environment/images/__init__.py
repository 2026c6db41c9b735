"""How a matched image comes to be: the choice, the plan, the making, the proof, the lock."""
