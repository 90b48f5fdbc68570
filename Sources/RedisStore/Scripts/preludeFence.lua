-- Prelude: the fence check that every script of the controller begins with. Returns an error to answer with, or nil.
-- A shard that was never sealed accepts nothing either: a leader seals before it reads.
local function fenced(epoch, nonce)
  local fence = redis.call('HMGET', K.fence, 'epoch', 'nonce')
  if fence[1] == epoch and fence[2] == nonce then return nil end
  redis.pcall('INCR', K.refused)
  return redis.error_reply('FENCED ' .. (fence[1] or '0'))
end
