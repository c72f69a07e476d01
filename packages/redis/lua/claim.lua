-- Asks for the right to run the handler of each key.
--
-- KEYS     one record per key; no key twice.
-- ARGV     per key: 'token SP 1 SP 0 SP origin', which is the tail of a new record.
--          Then runs of consecutive keys, in order: number of keys, lease in milliseconds, window in milliseconds.
-- Returns  per key: a acquired (grant 1, attempt 1, not suspect) | A acquired: 'grant attempt suspect' | R reclaimed
--          after a failure and T after a takeover: 'grant attempt suspect first-seen origin' | d duplicate |
--          D duplicate: 'first-seen origin' | C conflict: the same | B busy: 'lease-left first-seen origin' | s stale |
--          m acquired over a malformed record | v duplicate of a newer version's record | n of a newer version: unreadable.
-- Cluster  all keys in one slot.
-- @include shared/clock.lua
-- @include shared/record.lua
-- @include shared/reply.lua
-- @include shared/records.lua

local firstSeen = stamp(now)
local i = 0
local run = count + 1

while i < count do
  local last = i + ARGV[run]
  local leaseEnd = now + ARGV[run + 1]
  local window = ARGV[run + 2]
  local head = 'C10' .. leaseEnd .. firstSeen
  run = run + 3
  while i < last do
    i = i + 1
    local record = records[i]
    local request = ARGV[i]
    if not record then
      redis.call('SET', KEYS[i], head .. request, 'PX', window)
      answers[i] = 'a'
    elseif isBare(record) then
      answers[i] = 'd'
    else
      local found = read(record)
      local token, origin = string.match(request, '^([^ ]+) 1 0 (.*)$')
      if found.state == 'D' then
        local former = fingerprintOf(found.origin)
        local fingerprint = fingerprintOf(origin)
        local isConflict = former and fingerprint and former ~= fingerprint
        detailed(i, isConflict and 'C' or 'D', found.first .. found.origin)
      elseif found.state == 'M' then
        redis.call('SET', KEYS[i], head .. request, 'PX', window)
        answers[i] = 'm'
      elseif found.state == 'N' then
        answers[i] = found.completed and 'v' or 'n'
      elseif found.state == 'C' and found.token == token then
        redis.call('SET', KEYS[i], string.sub(record, 1, 3) .. leaseEnd .. string.sub(record, 17), 'PX', window)
        local attempt = found.attempts - found.started + 1
        if found.grant == 1 and attempt == 1 and found.suspect == 0 then
          answers[i] = 'a'
        else
          detailed(i, 'A', found.grant .. ' ' .. attempt .. ' ' .. found.suspect)
        end
      elseif found.isLive then
        detailed(i, 'B', (found.leaseEnd - now) .. ' ' .. found.first .. found.origin)
      elseif found.state == 'F' and found.token == token then
        answers[i] = 's'
      else
        local isTakeover = found.state == 'C'
        local suspect = isTakeover and 1 or found.suspect
        local grant = found.grant + 1
        local renewed = claimedRecord(suspect, leaseEnd, found.first, token, grant, found.attempts, origin)
        redis.call('SET', KEYS[i], renewed, 'PX', window)
        local numbers = grant .. ' ' .. (found.attempts + 1) .. ' ' .. suspect .. ' '
        detailed(i, isTakeover and 'T' or 'R', numbers .. found.first .. found.origin)
      end
    end
  end
end

return reply()
