-- Every instance of one shard. Reads only.
--
-- KEYS  1 servers
-- ARGV  1 prefix of the keys of the shard's servers
-- Returns server and app of each, in turn.
local reply = {}
for _, server in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  for _, app in ipairs(redis.call('SMEMBERS', ARGV[1] .. server .. ':instances')) do
    reply[#reply + 1] = server
    reply[#reply + 1] = app
  end
end
return reply
