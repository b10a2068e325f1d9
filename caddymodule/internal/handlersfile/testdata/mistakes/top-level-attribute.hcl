plugin = "jsonl"
