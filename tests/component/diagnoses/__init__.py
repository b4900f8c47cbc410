"""Cases for ``diagnose`` with their right answers, put to it and to what people use instead."""
