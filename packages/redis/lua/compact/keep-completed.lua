-- Within the loop of a script: the number of key `i` goes into the set that ends when its window does or, at most one
-- slice, after that. The bare record stays for as long as copies of the completion may come.
local recordMs = math.min(tonumber(window), math.max(keptMs, math.ceil(ARGV[run - 2] * 1.25)))
redis.call('SET', KEYS[i], completedRecord(answer, first, outline), 'PX', recordMs)
-- (A window beyond the layout's, which only the store's own probe of a server asks for, ends with the last set.)
local ends = math.min(math.ceil((now + window) / sliceMs), slice + setsPerKey)
local set = count + (i - 1) * setsPerKey + ends - slice
if redis.call('SADD', KEYS[set], ARGV[numbers + i]) == 1 and redis.call('SCARD', KEYS[set]) == 1 then
  redis.call('PEXPIREAT', KEYS[set], ends * sliceMs)
end
