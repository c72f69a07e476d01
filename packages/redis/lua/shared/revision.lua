-- Names the state of a record: `forget` deletes only what was inspected. Completed records never change, and their
-- expiry, to the millisecond, tells one from the next.
local function revisionOf(key, record, found)
  if found.state == 'C' or found.state == 'F' then
    return found.state .. found.grant .. '.' .. found.token
  elseif found.state == 'D' then
    return 'D' .. (found.tag or record) .. '.' .. redis.call('PEXPIRETIME', key)
  end
  return redis.sha1hex(record)
end
