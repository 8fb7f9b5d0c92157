// An icon must not be empty.
module.exports = '<svg/>';
