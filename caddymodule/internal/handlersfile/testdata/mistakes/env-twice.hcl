handler "archive" {
  plugin = "jsonl"
  env = {
    PGHOST = "one"
    PGHOST = "two"
  }
  config {
    path = "/var/lib/archive"
  }
}
