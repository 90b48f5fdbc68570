// Making a connection: the socket, then AUTH, SELECT and CLIENT SETNAME in one write, before anyone else can use it.

internal import Glibc
internal import NIOCore
internal import NIOPosix

extension RedisConnection {
    /// Connects and introduces itself, within a deadline.
    public static func connect(
        to endpoint: RedisEndpoint, as login: RedisLogin, on threads: RedisThreads,
        deadline: Duration = connectDeadline
    ) async throws(RedisError) -> RedisConnection {
        let outbox = Outbox()
        let bootstrap = ClientBootstrap(group: threads.group)
            .connectTimeout(TimeAmount(deadline))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try keepFromChildren(channel)
                    if case .tcp = endpoint { try noticeSilence(channel) }
                    try channel.pipeline.syncOperations.addHandler(ConnectionHandler(outbox: outbox))
                }
            }
        let channel: any Channel
        do {
            channel =
                switch endpoint {
                case .tcp(let host, let port): try await bootstrap.connect(host: host, port: port).get()
                case .unix(let path): try await bootstrap.connect(unixDomainSocketPath: path).get()
                }
        } catch {
            throw .connectionRefused(endpoint: endpoint.description, reason: reason(error))
        }
        let connection = RedisConnection(endpoint: endpoint, channel: channel, outbox: outbox)
        try await connection.introduce(login, deadline: deadline)
        return connection
    }

    private func introduce(_ login: RedisLogin, deadline: Duration) async throws(RedisError) {
        for reply in await pipeline(login.greeting, deadline: deadline) {
            guard case .failure(let error) = reply else { continue }
            await close()
            switch error {
            case .reply(_, let message) where message.contains("AUTH"): throw .authentication(message)
            case .reply, .authentication: throw error
            default: throw .connectionRefused(endpoint: endpoint.description, reason: "no answer: \(error)")
            }
        }
    }

    /// A system's or NIO's error in a few words.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError: return systemText(error.errnoCode)
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return reason(first.error) }
            return "no address is known for this host name"
        case ChannelError.connectTimeout: return "no answer in time"
        default: return String(describing: error)
        }
    }
}

/// Sees to it that programs started by this process do not inherit the socket, which NIO leaves to be set: otherwise the
/// server would take this process for alive for as long as any of its children is.
private func keepFromChildren(_ channel: any Channel) throws {
    try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { socket in
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
    }
}

/// The system asks the other end whether it is still there where nothing came for a second, and gives the connection up after
/// two questions without an answer: one that is half open is known after three seconds, though nobody waits for anything on
/// it, and no program has anything to do for that. (tcp(7). TCP_USER_TIMEOUT would be shorter, but would end the lines of
/// a Redis too that is only slow to read.)
private func noticeSilence(_ channel: any Channel) throws {
    try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { socket in
        set(socket, SOL_SOCKET, SO_KEEPALIVE, 1)
        set(socket, Int32(IPPROTO_TCP), TCP_KEEPIDLE, 1)
        set(socket, Int32(IPPROTO_TCP), TCP_KEEPINTVL, 1)
        set(socket, Int32(IPPROTO_TCP), TCP_KEEPCNT, 2)
    }
}

private func set(_ socket: NIOBSDSocket.Handle, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    _ = unsafe setsockopt(socket, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
}
