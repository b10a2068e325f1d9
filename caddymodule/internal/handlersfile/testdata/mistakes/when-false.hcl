handler "a" {
  plugin = "http"
  when   = event.mode == "LIVE" && false

  config {
    url = "http://127.0.0.1/"
  }
}
