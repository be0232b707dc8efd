-- Distinct requests from a file, in order, from an offset on; the result as one line of JSON.
-- Arguments: method, path, content type, file, offset. Of a GET a line is the path, else the body.

local lines = {}
local next_line = 0
local method, path, headers

function init(args)
  method, path = args[1], args[2]
  headers = { ["Content-Type"] = args[3] }
  for line in io.lines(args[4]) do
    lines[#lines + 1] = line
  end
  next_line = tonumber(args[5]) % #lines
end

function request()
  local line = lines[next_line + 1]
  next_line = (next_line + 1) % #lines
  if method == "GET" then
    return wrk.format("GET", line)
  end
  return wrk.format(method, path, headers, line)
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "wall_s": %.6f, "errors": %d, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3
  ))
end
