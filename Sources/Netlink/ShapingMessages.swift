internal import CNetlink
internal import Glibc
internal import HostModel

// Traffic control as VDSM lays it out: an HFSC root, a class for each network, fq_codel in it, and a filter by tag that leads
// into it. The messages are rtnetlink's (struct tcmsg), what is in them is tc's business (linux/pkt_sched.h, pkt_cls.h).

extension NetlinkMessage {
    private static let root = UInt32(TrafficClass.root) << 16
    private static let creating = Int(NLM_F_CREATE) | Int(NLM_F_EXCL)
    private static let replacing = Int(NLM_F_CREATE) | Int(NLM_F_REPLACE)
    /// TC_H_ROOT
    private static let everything: UInt32 = 0xFFFF_FFFF

    /// struct tcmsg
    private static func traffic(
        _ type: Int,
        flags: Int = 0,
        _ link: Int32,
        handle: UInt32 = 0,
        parent: UInt32,
        info: UInt32 = 0
    ) -> NetlinkMessage {
        var message = NetlinkMessage(type: type, flags: flags)
        message.put(UInt32(0))
        message.put(link)
        message.put(handle)
        message.put(parent)
        message.put(info)
        return message
    }

    /// The requests that lead from some shares to others.
    static func shaping(_ link: Int32, from: [Int: TrafficShare]?, to: [Int: TrafficShare]?) -> [NetlinkMessage] {
        guard let to else { return [traffic(Int(RTM_DELQDISC), link, parent: everything)] }
        var messages: [NetlinkMessage] = from == nil ? [scheduler(link)] : []
        let former = from ?? [:]
        // The class that takes what no filter leads elsewhere comes first and goes never.
        for (id, share) in to.sorted(by: { $0.key > $1.key }) where former[id] != share {
            guard let old = former[id] else {
                messages += network(link, id, share)
                continue
            }
            // The kernel changes curves in place, but takes none away.
            if Set(old.curves.map(\.name)).isSubset(of: share.curves.map(\.name)) {
                messages.append(curves(link, id, share))
            } else {
                messages += [removeFilter(link, id), removeClass(link, id)] + network(link, id, share)
            }
        }
        for id in former.keys.sorted() where to[id] == nil {
            messages += [removeFilter(link, id), removeClass(link, id)]
        }
        return messages
    }

    private static func network(_ link: Int32, _ id: Int, _ share: TrafficShare) -> [NetlinkMessage] {
        [curves(link, id, share), fairness(link, id), filter(link, id)]
    }

    /// In the place of whatever queueing discipline the kernel chose.
    private static func scheduler(_ link: Int32) -> NetlinkMessage {
        var message = traffic(Int(RTM_NEWQDISC), flags: replacing, link, handle: root, parent: everything)
        message.putAttribute(Int(TCA_KIND), text: "hfsc")
        // struct tc_hfsc_qopt
        message.putAttribute(Int(TCA_OPTIONS), value: UInt16(TrafficClass.untagged))
        return message
    }

    private static func curves(_ link: Int32, _ id: Int, _ share: TrafficShare) -> NetlinkMessage {
        let handle = root | UInt32(id)
        var message = traffic(Int(RTM_NEWTCLASS), flags: Int(NLM_F_CREATE), link, handle: handle, parent: root)
        message.putAttribute(Int(TCA_KIND), text: "hfsc")
        message.putNested(Int(TCA_OPTIONS)) { (options: inout NetlinkMessage) -> Void in
            func put(_ type: Int, _ curve: ServiceCurve?) {
                guard let curve else { return }
                // struct tc_service_curve
                var value = NetlinkMessage(type: 0)
                for number in [curve.m1 / 8, curve.d, curve.m2 / 8] {
                    value.put(UInt32(truncatingIfNeeded: number))
                }
                options.putAttribute(type, value.payload)
            }
            put(Int(TCA_HFSC_RSC), share.realTime)
            put(Int(TCA_HFSC_FSC), share.linkShare)
            put(Int(TCA_HFSC_USC), share.upperLimit)
        }
        return message
    }

    /// No flow of a network drowns the others.
    private static func fairness(_ link: Int32, _ id: Int) -> NetlinkMessage {
        var message = traffic(
            Int(RTM_NEWQDISC),
            flags: replacing,
            link,
            handle: UInt32(id) << 16,
            parent: root | UInt32(id)
        )
        message.putAttribute(Int(TCA_KIND), text: "fq_codel")
        return message
    }

    private static func removeClass(_ link: Int32, _ id: Int) -> NetlinkMessage {
        traffic(Int(RTM_DELTCLASS), link, handle: root | UInt32(id), parent: root)
    }

    /// Priority (which is the class's number, so that what matches everything comes last) and protocol (ETH_P_ALL, in
    /// network byte order).
    private static func place(_ id: Int) -> UInt32 { UInt32(id) << 16 | UInt32(UInt16(ETH_P_ALL).bigEndian) }

    private static func removeFilter(_ link: Int32, _ id: Int) -> NetlinkMessage {
        traffic(Int(RTM_DELTFILTER), link, parent: root, info: place(id))
    }

    private static func filter(_ link: Int32, _ id: Int) -> NetlinkMessage {
        var message = traffic(Int(RTM_NEWTFILTER), flags: creating, link, parent: root, info: place(id))
        let target = root | UInt32(id)
        guard let tag = TrafficClass.vlan(id: id) else {
            message.putAttribute(Int(TCA_KIND), text: "u32")
            message.putNested(Int(TCA_OPTIONS)) { (options: inout NetlinkMessage) -> Void in
                options.putAttribute(Int(TCA_U32_CLASSID), value: target)
                options.putAttribute(Int(TCA_U32_SEL), everyPacket)
            }
            return message
        }
        message.putAttribute(Int(TCA_KIND), text: "basic")
        message.putNested(Int(TCA_OPTIONS)) { (options: inout NetlinkMessage) -> Void in
            options.putAttribute(Int(TCA_BASIC_CLASSID), value: target)
            options.putNested(Int(TCA_BASIC_EMATCHES)) { matches(tag, &$0) }
        }
        return message
    }

    /// struct tc_u32_sel with one key (struct tc_u32_key) that compares no bit.
    private static var everyPacket: [UInt8] {
        [UInt8(TC_U32_TERMINAL), 0, 1, 0] + [UInt8](repeating: 0, count: 12 + 16)
    }

    /// `meta(vlan mask 0xfff eq TAG)`: the other bits are the priority.
    private static func matches(_ tag: Int, _ message: inout NetlinkMessage) {
        // struct tcf_ematch_tree_hdr
        message.putAttribute(Int(TCA_EMATCH_TREE_HDR), [1, 0, 0, 0])
        let integer = UInt16(TCF_META_TYPE_INT) << 12
        var match = NetlinkMessage(type: 0)
        // struct tcf_ematch_hdr
        for number in [0, UInt16(TCF_EM_META), 0, 0] { match.put(number) }
        // struct tcf_meta_hdr: kind, shift and comparison of both sides.
        var sides = NetlinkMessage(type: 0)
        for kind in [UInt16(TCF_META_ID_VLAN_TAG), UInt16(TCF_META_ID_VALUE)] {
            sides.put(integer | kind)
            sides.put(UInt16(0))
        }
        match.putAttribute(Int(TCA_EM_META_HDR), sides.payload)
        match.putAttribute(Int(TCA_EM_META_LVALUE), value: UInt32(0xFFF))
        match.putAttribute(Int(TCA_EM_META_RVALUE), value: UInt32(tag))
        message.putNested(Int(TCA_EMATCH_TREE_LIST)) { $0.putAttribute(1, match.payload) }
    }
}

/// One RTM_NEWTCLASS message of a class as ours are.
struct ClassRecord: Sendable {
    var id: Int
    var share: TrafficShare

    /// `nil` for a malformed message, the root itself, and classes of others.
    init?(_ payload: [UInt8]) {
        let bytes = payload[...]
        guard bytes.count >= 20, let handle = bytes.integer(at: 8, as: UInt32.self),
            let attributes = NetlinkAttributes(bytes.dropFirst(20)), attributes.text(Int(TCA_KIND)) == "hfsc",
            handle >> 16 == UInt32(TrafficClass.root), handle & 0xFFFF != 0,
            let options = attributes.nested(Int(TCA_OPTIONS))
        else { return nil }
        id = Int(handle & 0xFFFF)
        func curve(_ type: Int) -> ServiceCurve? {
            guard let value = options[type], let m1 = value.integer(at: 0, as: UInt32.self),
                let d = value.integer(at: 4, as: UInt32.self), let m2 = value.integer(at: 8, as: UInt32.self)
            else { return nil }
            return ServiceCurve(m1: Int(m1) * 8, d: Int(d), m2: Int(m2) * 8)
        }
        share = TrafficShare(
            linkShare: curve(Int(TCA_HFSC_FSC)),
            upperLimit: curve(Int(TCA_HFSC_USC)),
            realTime: curve(Int(TCA_HFSC_RSC))
        )
    }
}

/// One RTM_NEWQDISC message.
struct QdiscRecord: Sendable {
    var link: Int32
    /// 0 for one that the kernel attached by itself.
    var handle: UInt32
    var isRoot: Bool

    /// TC_H_ROOT
    private static let root: UInt32 = 0xFFFF_FFFF

    /// `nil` for a malformed message.
    init?(_ payload: [UInt8]) {
        let bytes = payload[...]
        // struct tcmsg: family, padding, index, handle, parent, info.
        guard bytes.count >= 20, let link = bytes.integer(at: 4, as: Int32.self),
            let handle = bytes.integer(at: 8, as: UInt32.self), let parent = bytes.integer(at: 12, as: UInt32.self)
        else { return nil }
        (self.link, self.handle, isRoot) = (link, handle, parent == Self.root)
    }
}

extension KernelSnapshot {
    /// Disciplines that the kernel chooses by itself, or whose loss costs nobody anything.
    private static let ordinary: Set<String> = ["noqueue", "noop", "pfifo_fast", "fq_codel", "mq"]
    /// The kernel's own choice only where its administrator said so (net.core.default_qdisc); somebody's choice for one link
    /// has a handle, the kernel's has none.
    private static let choosable: Set<String> = ["pfifo", "bfifo", "fq", "sfq", "cake", "codel", "fq_pie"]

    /// Asks only about links whose discipline is one that the kernel does not choose.
    static func readShaping(
        _ snapshot: inout KernelSnapshot,
        _ records: [LinkRecord],
        _ socket: borrowing NetlinkSocket
    ) throws(NetlinkError) {
        let asked = records.filter { record in record.qdisc.map { !ordinary.contains($0) } ?? false }
        var chosen: Set<Int32> = []
        if asked.contains(where: { choosable.contains($0.qdisc ?? "") }) {
            let roots = try socket.dump(.asking(Int(RTM_GETQDISC), 0), "list queueing disciplines")
            chosen = Set(roots.compactMap(QdiscRecord.init).filter { $0.isRoot && $0.handle == 0 }.map(\.link))
        }
        for record in asked {
            guard let kind = record.qdisc, !choosable.contains(kind) || !chosen.contains(record.index) else { continue }
            snapshot.state.links[record.name]?.shaping = kind == "hfsc" ? try shaping(of: record.index, socket) : nil
            if snapshot.state.links[record.name]?.shaping == nil {
                snapshot.state.links[record.name]?.strangersQdisc = kind
            }
        }
    }

    /// A class without the filter that leads into it is none. `nil` when the root is not ours.
    private static func shaping(
        of link: Int32,
        _ socket: borrowing NetlinkSocket
    ) throws(NetlinkError) -> [Int: TrafficShare]? {
        let classes = try socket.dump(.asking(Int(RTM_GETTCLASS), link), "list traffic classes")
            .compactMap(ClassRecord.init)
        guard !classes.isEmpty else { return nil }
        let filters = try socket.dump(.asking(Int(RTM_GETTFILTER), link), "list traffic filters")
        let places = Set(filters.compactMap { $0[...].integer(at: 16, as: UInt32.self).map { Int($0 >> 16) } })
        return Dictionary(classes.filter { places.contains($0.id) }.map { ($0.id, $0.share) }) { $1 }
    }
}

extension NetlinkMessage {
    fileprivate static func asking(_ type: Int, _ link: Int32) -> NetlinkMessage {
        traffic(type, link, parent: type == Int(RTM_GETTFILTER) ? root : 0)
    }
}
