import Engine
import HostModel

/// A thing that is searched for by what is shown of it.
protocol SearchedResource {
    /// oVirt's names, lower case.
    static var searchFields: [String] { get }
    var searchValues: SearchValues { get }
}

extension ListQuery {
    func page<Thing: SearchedResource>(of things: [Thing]) -> [Thing] {
        search.page(of: things, max: max, isCaseSensitive: isCaseSensitive, \.searchValues)
    }
}

extension DataCenterResource: SearchedResource {
    static let searchFields = ["id", "name", "description", "comment", "status", "local"]
    var searchValues: SearchValues {
        SearchValues(
            [
                "id": [id], "name": [name], "description": [description], "comment": [comment], "status": [status],
                "local": ["\(local)"],
            ],
            words: [name, description ?? "", comment ?? ""]
        )
    }
}

extension ClusterResource: SearchedResource {
    static let searchFields = [
        "id", "name", "description", "comment", "datacenter", "datacenter.name", "architecture",
    ]
    var searchValues: SearchValues {
        SearchValues(
            [
                "id": [id], "name": [name], "description": [description], "comment": [comment],
                "datacenter": [data_center.name], "datacenter.name": [data_center.name],
                "architecture": [cpu.architecture],
            ],
            words: [name, description ?? "", comment ?? ""]
        )
    }
}

extension NetworkResource: SearchedResource {
    static let searchFields = [
        "id", "name", "description", "comment", "datacenter", "datacenter.name", "vlanid", "mtu", "vmnetwork", "label",
    ]
    var searchValues: SearchValues {
        SearchValues(
            [
                "id": [id], "name": [name], "description": [description], "comment": [comment],
                "datacenter": [data_center?.name], "datacenter.name": [data_center?.name], "vlanid": [vlan?.id],
                "mtu": [mtu], "vmnetwork": ["\(usages.usage.contains("vm"))"], "label": [label],
            ],
            words: [name, description ?? ""]
        )
    }
}

extension TagResource: SearchedResource {
    static let searchFields = ["id", "name", "description"]
    var searchValues: SearchValues {
        SearchValues(["id": [id], "name": [name], "description": [description]], words: [name])
    }
}

extension AffinityLabelResource: SearchedResource {
    static let searchFields = ["id", "name", "description"]
    var searchValues: SearchValues {
        SearchValues(["id": [id], "name": [name], "description": [description]], words: [name])
    }
}

extension MACPoolResource: SearchedResource {
    static let searchFields = ["id", "name", "description"]
    var searchValues: SearchValues {
        SearchValues(["id": [id], "name": [name], "description": [description]], words: [name])
    }
}
