-- The server's clock, read once per call: every instant in a record is a reading of it.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- An instant as seven characters from '0' to 'o', 64 values each, so that records stay short.
local function stamp(ms)
  local places = {}
  for place = 7, 1, -1 do
    local digit = ms % 64
    places[place] = 48 + digit
    ms = (ms - digit) / 64
  end
  return string.char(unpack(places))
end
