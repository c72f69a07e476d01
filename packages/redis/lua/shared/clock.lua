-- The server's clock, read once per call: every instant in a record is a reading of it.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- An instant as seven characters from '0' to 'o', 64 values each, so that records stay short. Every call needs one:
-- written out, it takes half as long as a loop.
local function stamp(ms)
  local g = ms % 64
  ms = (ms - g) / 64
  local f = ms % 64
  ms = (ms - f) / 64
  local e = ms % 64
  ms = (ms - e) / 64
  local d = ms % 64
  ms = (ms - d) / 64
  local c = ms % 64
  ms = (ms - c) / 64
  local b = ms % 64
  local a = (ms - b) / 64
  return string.char(48 + a, 48 + b, 48 + c, 48 + d, 48 + e, 48 + f, 48 + g)
end
