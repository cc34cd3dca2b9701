-- The alternative that most people would write: a post-dissector in Lua that reads TCP's fields.
-- Reduced to ordinary lives: handshake, data, closes by FIN and by RST, told by which ACK covers which number. It
-- leaves out most of the core: presumptions taken back, holes, captures that begin late, judging RSTs and implausible
-- numbers, reused ports, several layers in a frame, second passes. Look next: plugin/core/evidence.h.
--
-- SPDX-License-Identifier: GPL-2.0-or-later

local proto = Proto("lua_states", "TCP states, in Lua")

local names = { "tcp.stream", "tcp.srcport", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "tcp.flags" }
local fields = {}
for _, name in ipairs(names) do
    fields[name] = Field.new(name)
end

local FIN, SYN, RST, ACK = 1, 2, 4, 16
local connections = {}

function proto.init()
    connections = {}
end

local function value(name)
    local info = fields[name]()
    return info and info.value
end

-- Does `ack` cover `number`? Modulo 2^32.
local function covers(ack, number)
    return number ~= nil and (ack - number) % 0x100000000 > 0 and (ack - number) % 0x100000000 < 0x80000000
end

local function has(flags, bit_of)
    return flags % (2 * bit_of) >= bit_of
end

local function endpoint(role, state)
    return { role = role, state = state }
end

local function move(me, state, moves)
    if me.state ~= state then
        me.state = state
        moves[#moves + 1] = me.role .. "→" .. state
    end
end

-- The sender has received the peer's FIN: it says so by its ACK.
local after_peers_fin = { ESTABLISHED = "CLOSE_WAIT", FIN_WAIT_1 = "CLOSING", FIN_WAIT_2 = "TIME_WAIT" }
local after_own_fin = { ESTABLISHED = "FIN_WAIT_1", SYN_RECEIVED = "FIN_WAIT_1", CLOSE_WAIT = "LAST_ACK" }
local after_fin_acked = { FIN_WAIT_1 = "FIN_WAIT_2", CLOSING = "TIME_WAIT", LAST_ACK = "CLOSED" }

local function take_syn(me, peer, flags, seq, moves)
    me.iss = seq
    move(me, has(flags, ACK) and "SYN_RECEIVED" or "SYN_SENT", moves)
end

local function take_ack(me, peer, flags, ack, moves)
    if has(flags, SYN) then return end
    if me.state == "SYN_SENT" and peer.iss then move(me, "ESTABLISHED", moves) end
    if covers(ack, peer.fin) and not me.got_fin then
        me.got_fin = true
        move(me, after_peers_fin[me.state] or me.state, moves)
    end
    if peer.state == "SYN_RECEIVED" and covers(ack, peer.iss) then move(peer, "ESTABLISHED", moves) end
end

local function take_fin(me, seq, len, moves)
    if me.fin then return end
    me.fin = (seq + len) % 0x100000000
    move(me, after_own_fin[me.state] or me.state, moves)
end

local function take(me, peer, flags, seq, ack, len, moves)
    if has(flags, RST) then
        move(me, "CLOSED", moves)
        move(peer, "CLOSED", moves)
        return
    end
    if has(flags, SYN) then take_syn(me, peer, flags, seq, moves) end
    if has(flags, ACK) then take_ack(me, peer, flags, ack, moves) end
    if has(flags, FIN) then take_fin(me, seq, len, moves) end
    if has(flags, ACK) and covers(ack, peer.fin) then move(peer, after_fin_acked[peer.state] or peer.state, moves) end
end

function proto.dissector(_, pinfo)
    local len = value("tcp.len")
    if not len or pinfo.visited then return end
    local stream, port, flags = value("tcp.stream"), value("tcp.srcport"), value("tcp.flags")
    local ends = connections[stream]
    if not ends then
        ends = { client_port = port, client = endpoint("client", "CLOSED"), server = endpoint("server", "LISTEN") }
        connections[stream] = ends
    end
    local moves = {}
    local me, peer = ends.client, ends.server
    if port ~= ends.client_port then me, peer = peer, me end
    take(me, peer, flags, value("tcp.seq_raw"), value("tcp.ack_raw") or 0, len, moves)
    if #moves > 0 then pinfo.cols.info:append(" [" .. table.concat(moves, ", ") .. "]") end
end

register_postdissector(proto)
