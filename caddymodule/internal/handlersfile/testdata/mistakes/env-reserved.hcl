handler "archive" {
  plugin = "jsonl"
  env = { PLUGIN_MIN_PORT = "1" }
  config {
    path = "/var/lib/archive"
  }
}
