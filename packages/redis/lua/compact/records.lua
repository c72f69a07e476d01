-- What stands under each key. Of most completed keys nothing but a number is left, in one of the sets that still count:
-- set `place` of a key ends with slice `slice` + `place` of the server's clock, as its last number says.
-- KEYS     the records, then for each of them its sets, in the order of their ends.
-- ARGV     ends with: a number for each record, then the slice that the caller takes for the present one, the length of
--          a slice, sets for each record, how long records of completed keys are kept at least, number of records.
local count = tonumber(ARGV[#ARGV])
local keptMs = tonumber(ARGV[#ARGV - 1])
local setsPerKey = tonumber(ARGV[#ARGV - 2])
local sliceMs = tonumber(ARGV[#ARGV - 3])
local slice = math.floor(now / sliceMs)
if slice ~= tonumber(ARGV[#ARGV - 4]) then
  return '!' .. now
end
local numbers = #ARGV - 5 - count

-- The place of the last set that holds the number of a key; nil where none does.
local function placeOf(i)
  local last = count + i * setsPerKey
  local number = ARGV[numbers + i]
  for place = setsPerKey, 1, -1 do
    if redis.call('SISMEMBER', KEYS[last - setsPerKey + place], number) == 1 then
      return place
    end
  end
end

local records = redis.call('MGET', unpack(KEYS, 1, count))

-- Stands for a record of a key that is only in a set: completed, nobody knows by whom. No bare record is written so.
local NUMBER_ONLY = '0003'
local readRecord = read

local function read(record)
  if record == NUMBER_ONLY then
    return { state = 'D', answer = 3, bare = -1, origin = '' }
  end
  return readRecord(record)
end

-- By its first character: a digit, C, D or F.
local function isRecord(text)
  local first = string.byte(text)
  return first and first >= 48 and first <= 70 and (first <= 57 or first >= 67)
end

-- Records of completed keys and of claims are there first: nothing that is in a set can be claimed.
for i = 1, count do
  if not (records[i] and isRecord(records[i])) and placeOf(i) then
    records[i] = NUMBER_ONLY
  end
end
