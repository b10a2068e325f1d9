# No handlers: a folder of them may hold files like this one.
