# handlers will come
