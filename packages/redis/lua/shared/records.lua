-- What stands under each key.
local count = #KEYS
local records = redis.call('MGET', unpack(KEYS))
