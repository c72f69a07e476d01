-- Names the state of a record: `forget` deletes only what was inspected. Completed records never change, and their
-- expiry tells two of them apart where the record itself is too short to.
local function revisionOf(key, record, found)
  if found.state == 'C' or found.state == 'F' then
    return found.state .. found.grant .. '.' .. found.token
  elseif found.bare then
    return 'D' .. record .. '.' .. redis.call('PEXPIRETIME', key)
  elseif found.state == 'D' then
    return 'D' .. found.tag .. '.' .. found.completed
  end
  return redis.sha1hex(record)
end
