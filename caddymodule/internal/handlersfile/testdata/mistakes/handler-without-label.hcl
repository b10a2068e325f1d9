handler {
  plugin = "jsonl"
}
