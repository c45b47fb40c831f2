"""How a scripted reply is said in each of the three protocols."""
