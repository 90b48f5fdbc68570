// Reading: jansson parses strictly (duplicate keys, invalid UTF-8, NUL and numbers out of range are errors), then one
// walk copies its tree into `JSONValue` and frees it.
//
// Guarantees: the same text gives the same value or the same error; no text can exhaust the stack (`maximumDepth`).
// Caveat: Swift compares strings by canonical equivalence, so two keys that differ only in how a letter is composed
// (é as one scalar or two) would be one entry: they are refused as duplicates, as they would confuse people too.

internal import CJansson

extension JSONValue {
    /// How deep arrays and objects may nest. Manifests use about ten levels.
    public static let maximumDepth = 256

    /// Parses a text that holds exactly one JSON value, of any kind.
    public static func parse(_ text: String) throws(JSONError) -> JSONValue {
        try parse(Array(text.utf8))
    }

    /// Parses UTF-8 bytes that hold exactly one JSON value, of any kind.
    public static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        try parse(bytes, rejectingDuplicates: true)
    }

    static func parse(_ bytes: [UInt8], rejectingDuplicates: Bool) throws(JSONError) -> JSONValue {
        if let error = JSONPrescan.error(in: bytes, maximumDepth: maximumDepth) { throw error }
        var failure = json_error_t()
        let flags = Int(JSON_DECODE_ANY) | (rejectingDuplicates ? Int(JSON_REJECT_DUPLICATES) : 0)
        let root = unsafe bytes.withUnsafeBytes { buffer in
            let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            // jansson refuses a null pointer with no position at all; an empty text is an ordinary syntax error.
            return unsafe start.map { unsafe json_loadb($0, buffer.count, flags, &failure) }
                ?? json_loads("", flags, &failure)
        }
        guard let root = unsafe root else { throw JSONError(failure) }
        defer { unsafe json_decref(root) }
        guard let value = unsafe JSONValue(copying: root, rejectingDuplicates) else {
            throw JSONError(
                line: 1, column: 1, message: "duplicate object key: two keys differ only in composed letters")
        }
        return value
    }

    /// Copies jansson's tree; `nil` if two keys of one object are the same to Swift.
    private init?(copying json: UnsafeMutablePointer<json_t>, _ rejectingDuplicates: Bool) {
        switch unsafe json.pointee.type {
        case JSON_OBJECT:
            guard let members = unsafe JSONValue.members(of: json, rejectingDuplicates) else { return nil }
            self = .object(members)
        case JSON_ARRAY:
            guard let elements = unsafe JSONValue.elements(of: json, rejectingDuplicates) else { return nil }
            self = .array(elements)
        case JSON_STRING:
            self = unsafe .string(String(json_string_value(json), length: json_string_length(json)))
        case JSON_INTEGER: self = unsafe .int(Int(json_integer_value(json)))
        case JSON_REAL: self = unsafe .double(json_real_value(json))
        case JSON_TRUE: self = .bool(true)
        case JSON_FALSE: self = .bool(false)
        default: self = .null
        }
    }

    private static func elements(
        of json: UnsafeMutablePointer<json_t>, _ rejectingDuplicates: Bool
    ) -> [JSONValue]? {
        let count = unsafe json_array_size(json)
        var elements: [JSONValue] = []
        elements.reserveCapacity(count)
        for index in 0..<count {
            guard let item = unsafe json_array_get(json, index),
                let value = unsafe JSONValue(copying: item, rejectingDuplicates)
            else { return nil }
            elements.append(value)
        }
        return elements
    }

    private static func members(
        of json: UnsafeMutablePointer<json_t>, _ rejectingDuplicates: Bool
    ) -> [String: JSONValue]? {
        var members: [String: JSONValue] = [:]
        members.reserveCapacity(unsafe json_object_size(json))
        var cursor = unsafe json_object_iter(json)
        while let entry = unsafe cursor {
            let key = unsafe String(json_object_iter_key(entry), length: json_object_iter_key_len(entry))
            guard let item = unsafe json_object_iter_value(entry),
                let value = unsafe JSONValue(copying: item, rejectingDuplicates),
                members.updateValue(value, forKey: key) == nil || !rejectingDuplicates
            else { return nil }
            unsafe cursor = unsafe json_object_iter_next(json, entry)
        }
        return members
    }
}

extension String {
    /// Copies a C string of known length, which jansson has already checked to be UTF-8.
    fileprivate init(_ start: UnsafePointer<CChar>?, length: Int) {
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : length)
        self = unsafe String(decoding: bytes, as: UTF8.self)
    }
}

extension JSONError {
    fileprivate init(_ failure: json_error_t) {
        let message = unsafe withUnsafeBytes(of: failure.text) { bytes in
            let text = unsafe bytes.prefix { $0 != 0 }
            return unsafe String(decoding: text, as: UTF8.self)
        }
        // jansson counts columns from 0 up to the last character of the token, and says -1 where it has no position.
        self.init(line: max(Int(failure.line), 1), column: max(Int(failure.column), 1), message: message)
    }
}
