handler "low_battery" {
  plugin      = "./low-battery"
  when        = event.type == "VEHICLE_STATE"
  concurrency = 4

  config {
    below = 30

    # notify {
    #   url = "https://chat.example/hooks/fleet"
    # }
  }
}
