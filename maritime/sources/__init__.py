"""Sources of AIS: one small file per input format, and the sniffer that picks one."""
