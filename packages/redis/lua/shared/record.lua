-- Record formats, version 1 (docs/store-protocol.md):
--   claimed    C1 marks(1) lease end(13) first seen(7) token SP grant SP attempts SP origin
--   failed     F1 the same; no lease end
--   completed  D1 answer(1) first seen(7) token tag(3) origin
--   completed  an integer below 10000, where nothing but the fact is kept: 4 * (token tag % 2500) + answer
-- marks: 1 = suspect, 2 = this grant's start was marked. answer: 0 ok, 1 late, 2 vanished, 3 stolen.
-- origin: traceparent SP coordinates SP fingerprint SP result, each possibly empty; spaces at the end are left out.

local function isBare(record)
  return #record <= 4 and string.find(record, '^%d+$') ~= nil
end

-- Takes a record apart. state: C, F, D; N for a newer version (completed: its state character says D); M malformed.
local function read(record)
  if isBare(record) then
    local answer = record % 4
    return { state = 'D', answer = answer, bare = record - answer, origin = '' }
  end
  local state, version = string.match(record, '^([CFD])([1-9A-Z])')
  if version == '1' then
    if state == 'D' then
      local answer, first, tag, origin = string.match(
        record,
        '^D1([0-3])([0-o][0-o][0-o][0-o][0-o][0-o][0-o])([0-o][0-o][0-o])([ -~]*)$'
      )
      if answer then
        return { state = 'D', answer = tonumber(answer), first = first, tag = tag, origin = origin }
      end
    else
      local marks, leaseEnd, first, token, grant, attempts, origin = string.match(
        record,
        '^[CF]1([0-3])(%d%d%d%d%d%d%d%d%d%d%d%d%d)([0-o][0-o][0-o][0-o][0-o][0-o][0-o])([!-~]+) (%d+) (%d+) ([ -~]*)$'
      )
      if marks then
        return {
          state = state,
          suspect = marks % 2,
          started = tonumber(marks) >= 2 and 1 or 0,
          isLive = state == 'C' and tonumber(leaseEnd) > now,
          leaseEnd = tonumber(leaseEnd),
          first = first,
          token = token,
          grant = tonumber(grant),
          attempts = tonumber(attempts),
          origin = origin,
        }
      end
    end
  elseif version then
    return { state = 'N', completed = state == 'D', is = state }
  end
  return { state = 'M' }
end

-- The fingerprint in an origin; nil where there is none.
local function fingerprintOf(origin)
  return string.match(origin, '^[^ ]* [^ ]* ([^ ]+)')
end

-- Whether this is a claim whose token and grant stand in `mine`: 'token SP grant SP', or 'token SP' for any grant.
local function isHeld(record, mine)
  local state, version = string.byte(record, 1, 2)
  return state == 67 and version == 49 and string.find(record, mine, 24, true) == 24
end

local function claimedRecord(marks, leaseEnd, first, token, grant, attempts, origin)
  return 'C1' .. marks .. leaseEnd .. first .. token .. ' ' .. grant .. ' ' .. attempts .. ' ' .. origin
end
