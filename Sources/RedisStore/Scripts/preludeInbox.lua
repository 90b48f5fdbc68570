-- Prelude of the scripts of the inbox.
--
-- KEYS  1 lease  2 taken  3 refused  4 records  5 none, which is never there; a script's own follow from 6
-- ARGV  1 epoch and 2 nonce of the leader  3 prefix of the hashes of settled items; a script's own follow from 4
local K = { lease = KEYS[1], taken = KEYS[2], refused = KEYS[3], records = KEYS[4] }
local prefix = ARGV[3]

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function text(number) return string.format('%.0f', number) end

-- There is no fence here: the lock itself is in this slot. Returns an error to answer with, or nil.
local function fenced()
  local lease = redis.call('HMGET', K.lease, 'epoch', 'nonce')
  if lease[1] == ARGV[1] and lease[2] == ARGV[2] then return nil end
  return redis.error_reply('FENCED ' .. (lease[1] or '0'))
end

-- What became of an item, under its id or the one that it named.
local function write_record(id, values)
  redis.call('DEL', prefix .. id)
  redis.call('HSET', prefix .. id, 'at', text(now), unpack(values))
  redis.call('PEXPIRE', prefix .. id, RECORD_MS)
  redis.call('ZADD', K.records, text(now), id)
  redis.call('ZREMRANGEBYSCORE', K.records, '-inf', text(now - RECORD_MS))
  local excess = redis.call('ZCARD', K.records) - RECORDS
  if excess <= 0 then return end
  for _, old in ipairs(redis.call('ZRANGE', K.records, 0, excess - 1)) do redis.call('DEL', prefix .. old) end
  redis.call('ZREMRANGEBYRANK', K.records, 0, excess - 1)
end

-- Puts the first part of an item aside, behind its reason, which is one line.
local function put_aside(id, reason, item)
  redis.call('RPUSH', K.refused, id .. ' ' .. text(now) .. ' ' .. reason .. '\n' .. string.sub(item, 1, KEPT_BYTES))
  redis.call('LTRIM', K.refused, -REFUSED, -1)
end
