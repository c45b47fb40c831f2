"""Where commands run and files live, behind one interface."""
