handler "own" {
  plugin = jsonl
}
