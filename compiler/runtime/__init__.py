"""What LLVM calls behind the source's back, in our own language."""
