# Makes the profile "TCP State" for Wireshark: columns, colours, filter buttons, filter macros.
# Must not know what they are about. Look next: situations.cmake.
#
#   cmake --build … --target profile-zip    makes tcpstate-profile.zip, for Edit > Configuration Profiles… > Import
#
# SPDX-License-Identifier: GPL-2.0-or-later

set(tcpstate_profile "${CMAKE_CURRENT_BINARY_DIR}/profiles/TCP State")
set(tcpstate_profile_zip ${CMAKE_CURRENT_BINARY_DIR}/tcpstate-profile.zip)

set(made_by "# Profile \"TCP State\" of the plugin tcpstate, made from its plugin/profile/situations.cmake.\n")
set(colours "${made_by}")
set(buttons "${made_by}")
set(old_macros "${made_by}")
set(new_macros "")

# Wireshark's colours have 16 bits a part: 0x77 is 0x7777.
function(tcpstate_colour_parts hex result)
    set(parts)
    foreach(at IN ITEMS 0 2 4)
        string(SUBSTRING ${hex} ${at} 2 part)
        math(EXPR part "0x${part} * 257")
        list(APPEND parts ${part})
    endforeach()
    list(JOIN parts "," parts)
    set(${result} "[${parts}]" PARENT_SCOPE)
endfunction()

macro(tcpstate_colour name background text filter)
    tcpstate_colour_parts(${background} background_parts)
    tcpstate_colour_parts(${text} text_parts)
    string(APPEND colours "@${name}@${filter}@${background_parts}${text_parts}\n")
endmacro()

# In Wireshark's tables a quotation mark is written by its number.
macro(tcpstate_button label filter comment)
    string(REPLACE "\"" "\\x22" quoted "${filter}")
    string(APPEND buttons "\"TRUE\",\"${label}\",\"${quoted}\",\"${comment}\"\n")
endmacro()

# Up to 4.2 macros are a table (dfilter_macros); from 4.4 on they are a list as of saved filters (dmacros).
macro(tcpstate_macro name filter)
    string(REPLACE "\"" "\\x22" quoted "${filter}")
    string(APPEND old_macros "\"${name}\",\"${quoted}\"\n")
    string(APPEND new_macros "\"${name}\" ${filter}\n")
endmacro()

include(${CMAKE_CURRENT_LIST_DIR}/situations.cmake)

file(MAKE_DIRECTORY "${tcpstate_profile}")
foreach(file IN ITEMS preferences recent)
    configure_file(${CMAKE_CURRENT_LIST_DIR}/${file} "${tcpstate_profile}/${file}" COPYONLY)
endforeach()
file(GENERATE OUTPUT "${tcpstate_profile}/colorfilters" CONTENT "${colours}")
file(GENERATE OUTPUT "${tcpstate_profile}/dfilter_buttons" CONTENT "${buttons}")
file(GENERATE OUTPUT "${tcpstate_profile}/dfilter_macros" CONTENT "${old_macros}")
file(GENERATE OUTPUT "${tcpstate_profile}/dmacros" CONTENT "${new_macros}")

add_custom_target(profile-zip
    COMMAND ${CMAKE_COMMAND} -E chdir ${CMAKE_CURRENT_BINARY_DIR}/profiles
            ${CMAKE_COMMAND} -E tar cf ${tcpstate_profile_zip} --format=zip "TCP State"
    COMMENT "Making ${tcpstate_profile_zip}" VERBATIM)

# Wireshark copies a profile of the system to the user's own at its first use.
install(DIRECTORY "${tcpstate_profile}" DESTINATION share/wireshark/profiles)
