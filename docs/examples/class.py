"""class.py PATH: prints the class of a file or directory of a shmapfs mount."""
import ctypes
import os
import sys

shmap = ctypes.CDLL("libshmap.so.0")
shmap.shmap_class_name.restype = ctypes.c_char_p
which = ctypes.c_int()
error = shmap.shmap_class_get(sys.argv[1].encode(), ctypes.byref(which))
print(os.strerror(-error) if error else shmap.shmap_class_name(which).decode())
