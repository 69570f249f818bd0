# A response of 16 MiB.
body = "x" * (16 << 20)
run lambda { |_| [200, { "content-length" => body.bytesize.to_s }, [body]] }
