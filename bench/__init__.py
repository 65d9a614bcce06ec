"""Speed and memory, side by side with what people use: `python -m bench [NAME …]`. Not part of the wheel."""
