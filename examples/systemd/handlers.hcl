# Programs of your own: under /usr/local, /usr or /opt. What handlers write: under /var/lib/smartcar.
handler "archive" {
  plugin = "jsonl"

  config {
    path = "/var/lib/smartcar/archive.jsonl"
  }
}
