/// A type of the REST API that stands alone in a body. What its members are called is said by its Codable form alone; here is
/// what the whole is called where a document needs a name, in XML.
package protocol WireDocument {
    /// oVirt's element name: `host`, and `hosts` of a collection.
    static var element: String { get }
}

extension HostResource: WireDocument { package static var element: String { "host" } }
extension HostCollection: WireDocument { package static var element: String { "hosts" } }
extension HostOrder: WireDocument { package static var element: String { "host" } }
extension NewHostResource: WireDocument { package static var element: String { "host" } }
extension PreflightResource: WireDocument { package static var element: String { "preflight" } }
extension ServerActionResource: WireDocument { package static var element: String { "action" } }
extension ClaimResource: WireDocument { package static var element: String { "claim" } }
extension RejectionCollection: WireDocument { package static var element: String { "rejections" } }

extension EventResource: WireDocument { package static var element: String { "event" } }
extension EventOrder: WireDocument { package static var element: String { "event" } }
extension EventCollection: WireDocument { package static var element: String { "events" } }
extension JobResource: WireDocument { package static var element: String { "job" } }
extension JobCollection: WireDocument { package static var element: String { "jobs" } }
extension JobEndResource: WireDocument { package static var element: String { "action" } }
extension JobResource.Step: WireDocument { package static var element: String { "step" } }
extension StepCollection: WireDocument { package static var element: String { "steps" } }

extension FaultResource: WireDocument { package static var element: String { "fault" } }
extension ActionResource: WireDocument { package static var element: String { "action" } }

extension SiteCollection: WireDocument { package static var element: String { "\(Resource.element)s" } }
extension NetworkCollection: WireDocument { package static var element: String { "networks" } }
extension ClusterNetworkOrder: WireDocument { package static var element: String { "network" } }
extension NetworkOrder: WireDocument { package static var element: String { "network" } }
extension NetworkAttachmentResource: WireDocument { package static var element: String { "network_attachment" } }
extension NetworkAttachmentCollection: WireDocument { package static var element: String { "network_attachments" } }
extension WantedAttachmentResource: WireDocument { package static var element: String { "network_attachment" } }
extension NetworkAttachmentOrder: WireDocument { package static var element: String { "network_attachment" } }
extension NICLabelResource: WireDocument { package static var element: String { "network_label" } }
extension NICLabelCollection: WireDocument { package static var element: String { "network_labels" } }
extension SetupNetworksResource: WireDocument { package static var element: String { "action" } }
extension VirtualFunctionsAction: WireDocument { package static var element: String { "action" } }

extension FenceAgentResource: WireDocument { package static var element: String { "agent" } }
extension FenceAgentCollection: WireDocument { package static var element: String { "agents" } }
extension FenceActionResource: WireDocument { package static var element: String { "action" } }
extension FencingPolicyResource: WireDocument { package static var element: String { "fencing_policy" } }

extension NodeImageResource: WireDocument { package static var element: String { "node_image" } }
extension NodeImageCollection: WireDocument { package static var element: String { "node_images" } }
extension ImageManifest: WireDocument { package static var element: String { "image_manifest" } }
extension BootProfile: WireDocument { package static var element: String { "boot_profile" } }
extension BootProfileCollection: WireDocument { package static var element: String { "boot_profiles" } }
extension HostKickstart: WireDocument { package static var element: String { "kickstart" } }
extension DiskCollection: WireDocument { package static var element: String { "disks" } }
extension DiskInstallationRequest: WireDocument { package static var element: String { "action" } }
extension LLDPCollection: WireDocument { package static var element: String { "nics" } }
extension HostLogCollection: WireDocument { package static var element: String { "logs" } }

/// A document that stands somewhere by itself.
package protocol WirePlace: WireDocument {
    /// Its path.
    var place: String? { get }
}

extension HostResource: WirePlace { package var place: String? { href } }
extension EventResource: WirePlace { package var place: String? { href } }
extension FenceAgentResource: WirePlace { package var place: String? { href } }
extension NodeImageResource: WirePlace { package var place: String? { href } }
extension NICLabelResource: WirePlace { package var place: String? { href } }
extension NetworkAttachmentResource: WirePlace { package var place: String? { href } }
